# The commands of this project. `make help` lists them.
#
# One virtual environment serves them all; it is made once, and again only when the project's
# requirements change (the stamp file below is older than they are).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt
SPEECH_DATA ?= $(abspath ../shared/data)
JOBS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() or 1)')


# Live models from the beginning, base and small-16ms from small: make train-weights MODELS=small
MODELS ?= tiny small base small-16ms
MINUTES ?= 75
WEIGHTS := runs/weights
# One accelerator is enough for networks so small; of processors two take a process each.
MACHINE := $(BIN)/python -c 'import os, torch; print("" if torch.cuda.is_available() else \
    f"--workers 0 --devices {min(2, os.cpu_count())}")'

.PHONY: help demo test test-all lint format benchmark-set train-weights clean

BENCHMARK = --samples 2000 300 900 --seed 0 --speech "$(SPEECH_DATA)/speech" \
    --noise "$(SPEECH_DATA)/noise/ESC-10" "$(SPEECH_DATA)/noise/kitchen20" "$(SPEECH_DATA)/noise/ambience" \
    --train-only "$(SPEECH_DATA)/speech/Picovoice-s2i" "$(SPEECH_DATA)/speech/Picovoice-wakewords" \
    --min-speech-snr-db 25 30 --jobs $(JOBS)
need_speech_data = @test -d "$(SPEECH_DATA)/speech" || { \
    echo "Set SPEECH_DATA to the folder of real recordings (it has speech/ and noise/)."; exit 2; }

help:
	@echo "make demo           install, blend a small data set of built-in sounds, denoise it, compare"
	@echo "make test           install, check style and types, run the tests"
	@echo "make test-all       the same with the slow tests"
	@echo "make benchmark-set  build the benchmark set from the recordings in SPEECH_DATA"
	@echo "make train-weights  train the live models from the recordings in SPEECH_DATA; goes on where it was"
	@echo "make format         put the code into the house style"

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) -e '.[dev,eval]' 2>/dev/null || { \
	    echo "The extra eval cannot be installed (pesq needs a C compiler): going on without PESQ, STOI and DNSMOS."; \
	    $(INSTALL) -e '.[dev]'; }
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/python -m prepare_data --speech --noise --samples 60 --out data/demo
	$(BIN)/python -m prepare_data.show data/demo
	$(BIN)/python -m enhancement evaluate --data data/demo --split test --out runs/demo \
	    --system spectrogram-unet --system live --metrics si_sdr active_si_sdr snr seg_snr \
	    `$(BIN)/python -c 'import pesq, pystoi' 2> /dev/null && echo wb_pesq stoi`
	$(BIN)/python -m enhancement report runs/demo

test: $(STAMP) lint
	$(BIN)/python -m pytest

test-all: $(STAMP) lint
	$(BIN)/python -m pytest -m ''

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark-set: $(STAMP)
	$(need_speech_data)
	$(BIN)/python -m prepare_data --out data/benchmark $(BENCHMARK)

# The training pack holds the benchmark set's recordings, of which training takes the train split.
train-weights: $(STAMP)
	$(need_speech_data)
	test -f $(WEIGHTS)/train.pack || $(BIN)/python -m prepare_data --out $(WEIGHTS)/plan \
	    --plan-only --pack $(WEIGHTS)/train.pack $(BENCHMARK)
	for model in $(MODELS); do \
	    run=$(WEIGHTS)/$$model; more=; \
	    case $$model in base|small-16ms) \
	        small=$(WEIGHTS)/small; test -f $$small/best.safetensors || small=small; \
	        more="--init $$small --lr 0.001";; \
	    esac; \
	    test -f $$run/resume.ckpt && more="$$more --resume"; \
	    echo "$$model: train $$more"; \
	    OMP_NUM_THREADS=1 $(BIN)/python -m waveform_unet_lru train --model $$model \
	        --pack $(WEIGHTS)/train.pack --samples-per-epoch 9000 --epochs 1000 --batch-size 16 \
	        --max-minutes $(MINUTES) --seed 0 --quiet --out $$run `$(MACHINE)` $$more && \
	    $(BIN)/python -m enhancement ship $$run --out $$run.safetensors --set kept_db=30 && \
	    $(BIN)/python -m waveform_unet_lru export $$run.safetensors --out $$run.onnx || exit 1; \
	done

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache *.egg-info
