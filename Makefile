## schedsearch: noise schedules for a frozen WaveGrad. Say `make TARGET VARIABLE=value ...`; the first call sets up .venv.
##
## To use
##   search    searches a schedule and writes results/DATASET/RATEhz/ITERSiters/
##               ITERS=6                 steps of the schedule
##               DATASET=demo            experiments/DATASET.toml
##               RATE=                   sample rate in Hz; empty: the dataset's default_rate, or its only one
##               STRATEGY=auto           auto, model, tpe, gp, cmaes, random or grid
##               GRID=levels:3           of STRATEGY=grid: levels:K, mantissas:K, lmnt, coqui or ivanvovk
##               OBJECTIVE=spectral_pesq the metric to improve: spectral, pesq, log_mel_l1, lsd, mcd, stoi, ...;
##                                       or several with commas between them, the first one decides what ships;
##                                       package.module:function is one of your own: docs/own-metric.md
##               BUDGET=                 when to stop: 10min, 300candidates or 50000calls; empty: when little is left
##                                       to gain, or at 80 candidates up to 6 steps, 60 up to 12, else 40
##               PRECISION=auto          float32, bfloat16 (float32 in the cleanest two steps), or the faster here
##               SEED=0                  seed of the strategy and its noise
##               MORE=                   adds so much budget to a finished search
##               STORAGE=                an Optuna storage URL; empty: study.db beside the results
##               FORCE=1                 searches a voice that check-voice, which runs before its first search, refuses
##   search-all  the same for several lengths, each beginning from the winners of those before it
##               ITERS="6 12 25 50 100"
##   voice     adds a voice: looks at a checkpoint and recordings, and writes experiments/DATASET.toml
##               DATASET=        the new dataset's name
##               WAVS=           folder of WAV, FLAC, OGG or MP3, 28 files or more
##               CHECKPOINT=     ivanvovk's, lmnt's or coqui's
##               CONFIG=         its configuration, where none is in the checkpoint or beside it
##               RESAMPLE=1      takes recordings at other sample rates too
##               MELS=           folder of a TTS's mels, one .npy or .pt for each recording, by name: searches,
##                               comparisons and check-voice then use these (docs/tts-mels.md)
##               SEED=0          seed of the choice of clips
##               FORCE=1         replaces a file that is there
##   report    makes report.html again from what a search stored: ITERS=6 DATASET=demo; without ITERS one page of all
##             lengths of DATASET
##               RATE= STORAGE=    as for search
##               LONG_SECONDS=120  how long the training schedule may take to synthesise, to be heard beside; 0: none
##               SMALL=            1: report.small.html, without audio and below 1 MB
##               OBJECTIVE=        that of the search, if it is a metric of your own
##   check-voice  is the network trained, and is this its front end? Names the likeliest mistake
##               DATASET=demo RATE=
##   train     trains a WaveGrad from a folder of recordings
##               DATASET=demo    experiments/DATASET.toml
##               RATE=           sample rate in Hz; empty: as for search
##               STEPS=          how many steps in all; empty: the dataset's recipe
##               HOURS=          stop after so many hours; the same command goes on
##               WARM_START=     a checkpoint of the same network to begin from
##               FORCE=          1: also where a checkpoint is there that no run of this made: it is replaced
##               DRAW=stratified   how noise levels are drawn: stratified or wavegrad
##               DIALECT=        ivanvovk, lmnt or coqui, if the configuration must be of that one
##               PRECISION=auto  float32 or bfloat16; auto times both and takes the faster, which the run then keeps
##   compare   baselines, winners and schedules of yours on the held-out clips, into results/DATASET/RATEhz/comparison.csv,
##             and quality against speed beside it, comparison.png
##               DATASET=demo RATE= SEED=0   as for search
##               ITERS="6 12 25 50 100"    lengths; empty: those of SCHEDULES, or that you have searched, or 6
##               SCHEDULES="a.pt b.npy"    files of yours, any length and layout, or names: universal-6, ivanvovk-6
##               METRICS="pesq stoi mcd"   columns; empty: those of a search; mine:loudest is one of your own
##               OBJECTIVE=spectral_pesq   chooses the best baseline, which all are compared with
##               EXCERPT=1.6               seconds of each held-out clip
##               DRAWS=1                   of noise for each clip
##               PRECISION=auto            as for a search; speed is always measured in float32
##   transfer  every voice's winners on every voice's held-out clips, and universal schedules, into results/transfer/
##               ITERS="6 12"     lengths; empty: all that two voices have a winner of
##               VOICES="demo june-16k demo@8000"   empty: all that have a checkpoint and clips
##               METRICS= OBJECTIVE= EXCERPT= DRAWS= SEED= PRECISION=   as for compare
##   metrics   lists the metrics
##               METRICS=mine:loudest   and metrics of your own
##   mos       installs Distill-MOS, which predicts listeners' opinions: a column distill_mos of comparisons and verdicts
##   reproduce makes results/shipped/ again: searches, voices' tables, transfer, strangers, judge (needs make mos),
##             seeds, metrics, paying, pages (many hours; stopped, it goes on)
##               STAGE="strangers judge"   these alone
##   bench-verdict  searches beside those of the earlier engine: costs, held-out clips, grids (hours; stopped, it goes on)
##   study-metrics  how the metrics rank schedules of five voices, and which should decide (stopped, it goes on)
##   bench     the network's speed beside a plain Conv1d execution, and how several processes share a search
##   bench-kill  kills searches 200 times at random moments and counts what that spoils (an hour; stopped, it goes on)
##
## To work on it
##   test      runs the whole test-suite
##   check     style, types, import layers and the fast tests
##   docs      fills the numbers and tables of README and docs in again, from the tables that their markers name
##   lowest    the fast tests with the oldest versions that setup.cfg allows, in .venv-lowest
##               PYTHON=python3.11
##   fuzz      feeds every reader mutated files, and prints what came of them
##               EXAMPLES=20000  of each reader
##   golden    compares with reference vectors
##               GOLDEN=tests/golden   the folder they stand in
##   setup     sets up .venv, as every target does that needs it
##               PYTHON=python3  the Python (3.11 or newer) that .venv is made with
##   clean     removes caches and build files; .venv and results stay
##   help      prints this

.DEFAULT_GOAL := help
.PHONY: help again setup search search-all report compare transfer voice check-voice train metrics mos bench bench-kill \
  reproduce bench-verdict study-metrics test check docs lowest fuzz golden clean

# What the user gives goes to the commands through the environment, as it was typed: $(value ...) keeps make from
# expanding it, and the shell expands "$$NAME" once. So a value may hold spaces, quotes, semicolons and dollar signs.
GIVEN := ITERS DATASET RATE STRATEGY GRID OBJECTIVE BUDGET SEED MORE STORAGE STEPS HOURS WARM_START DRAW GOLDEN PYTHON \
  DIALECT PRECISION SCHEDULES METRICS EXCERPT DRAWS WAVS CHECKPOINT CONFIG MELS RESAMPLE FORCE LONG_SECONDS SMALL EXAMPLES VOICES \
  STAGE
on_line := $(foreach name,$(GIVEN),$(if $(filter command,$(origin $(name))),$(name)))
$(foreach name,$(GIVEN),$(eval $(if $(value $(name)),override export $(name) := $$(value $(name)),unexport $(name))))

# A variable in lower case would be ignored in silence: iters=12 is told to be ITERS=12.
typed := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
$(foreach name,$(filter-out $(GIVEN),$(typed)),\
  $(foreach upper,$(filter $(GIVEN),$(shell printf %s '$(name)' | tr a-z- A-Z_)),\
    $(error $(name)= is ignored; write $(upper)=$(value $(name)))))

# So would a misspelt one. What is near to no name may be meant for the environment: TMPDIR=, OMP_NUM_THREADS=.
$(foreach name,$(filter-out $(GIVEN) BIN SOURCES PYTEST,$(typed)),\
  $(foreach near,$(firstword $(filter $(name)%,$(GIVEN)) $(filter $(name:S=),$(GIVEN))),\
    $(error $(name)= is ignored; write $(near)=$(value $(name))))\
  $(warning $(name)= is no variable of this Makefile, only of the environment; make help lists them))

# So would one of another target: STEPS= of train, given to search. Scripts take PYTHON= and GOLDEN= from the environment.
taken := PYTHON GOLDEN $(shell awk -v goals=' $(MAKECMDGOALS) ' 'BEGIN { RS = ""; FS = "\n" } \
  { for (i = 1; i <= NF; i++) if ($$i ~ /^[a-z][a-z -]*:/) { split($$i, head, ":"); count = split(head[1], targets, " "); \
    for (j = 1; j <= count; j++) if (index(goals, " " targets[j] " ")) print $$0 } }' Makefile | grep -oE '[A-Z_]+')
$(foreach name,$(on_line),$(if $(filter $(name),$(taken)),,\
  $(warning $(name)= is ignored: it is a variable of another target than $(MAKECMDGOALS); make help lists them)))

# Messages name make variables then, and options otherwise.
export SCHEDSEARCH_CALLED_BY := make

BIN := .venv/bin
SOURCES := schedsearch vocoder experiments tests

help:
	@sed -n 's/^## \{0,1\}//p' Makefile

setup: .venv/.stamp

# Again too where it stands elsewhere than it was made or its Python is another or gone: its scripts name both.
.venv/.stamp: setup.cfg pyproject.toml .ci/setup.sh $(shell sh .ci/setup.sh --stale)
	@sh .ci/setup.sh

# $${NAME:+--flag="$$NAME"} is one word, or none where NAME is empty.
search search-all: .venv/.stamp
	@$(BIN)/python -m schedsearch.cli $@ $${ITERS:+--iters="$$ITERS"} $${DATASET:+--dataset="$$DATASET"} \
	  $${RATE:+--rate="$$RATE"} $${STRATEGY:+--strategy="$$STRATEGY"} $${GRID:+--grid="$$GRID"} \
	  $${OBJECTIVE:+--objective="$$OBJECTIVE"} \
	  $${BUDGET:+--budget="$$BUDGET"} $${SEED:+--seed="$$SEED"} $${MORE:+--more="$$MORE"} \
	  $${PRECISION:+--precision="$$PRECISION"} \
	  $${STORAGE:+--storage="$$STORAGE"} $${FORCE:+--force="$$FORCE"}

compare: .venv/.stamp
	@$(BIN)/python -m schedsearch.cli compare --dataset="$${DATASET:-demo}" $${RATE:+--rate="$$RATE"} \
	  $${ITERS:+--iters="$$ITERS"} \
	  $${SCHEDULES:+--schedules="$$SCHEDULES"} $${OBJECTIVE:+--objective="$$OBJECTIVE"} \
	  $${METRICS:+--metrics="$$METRICS"} $${EXCERPT:+--seconds="$$EXCERPT"} $${DRAWS:+--draws="$$DRAWS"} \
	  $${SEED:+--seed="$$SEED"} $${PRECISION:+--precision="$$PRECISION"}

transfer: .venv/.stamp
	@$(BIN)/python -m schedsearch.cli transfer $${ITERS:+--iters="$$ITERS"} $${VOICES:+--voices="$$VOICES"} \
	  $${OBJECTIVE:+--objective="$$OBJECTIVE"} $${METRICS:+--metrics="$$METRICS"} \
	  $${EXCERPT:+--seconds="$$EXCERPT"} $${DRAWS:+--draws="$$DRAWS"} $${SEED:+--seed="$$SEED"} \
	  $${PRECISION:+--precision="$$PRECISION"}

report: .venv/.stamp
	@$(BIN)/python -m schedsearch.cli report $${ITERS:+--iters="$$ITERS"} $${DATASET:+--dataset="$$DATASET"} \
	  $${RATE:+--rate="$$RATE"} $${STORAGE:+--storage="$$STORAGE"} \
	  $${OBJECTIVE:+--objective="$$OBJECTIVE"} $${LONG_SECONDS:+--long-seconds="$$LONG_SECONDS"} $${SMALL:+--small="$$SMALL"}

voice: .venv/.stamp
	@$(BIN)/python -m schedsearch.cli voice $${DATASET:+--dataset="$$DATASET"} $${WAVS:+--wavs="$$WAVS"} \
	  $${CHECKPOINT:+--checkpoint="$$CHECKPOINT"} $${CONFIG:+--config="$$CONFIG"} $${MELS:+--mels="$$MELS"} \
	  $${RESAMPLE:+--resample="$$RESAMPLE"} $${SEED:+--seed="$$SEED"} $${FORCE:+--force="$$FORCE"}

check-voice: .venv/.stamp
	@$(BIN)/python -m schedsearch.cli check-voice $${DATASET:+--dataset="$$DATASET"} $${RATE:+--rate="$$RATE"}

train: .venv/.stamp
	@$(BIN)/python -m schedsearch.cli train --dataset="$${DATASET:-demo}" $${RATE:+--rate="$$RATE"} \
	  $${STEPS:+--steps="$$STEPS"} \
	  $${HOURS:+--hours="$$HOURS"} $${WARM_START:+--warm-start="$$WARM_START"} $${DRAW:+--draw="$$DRAW"} \
	  $${DIALECT:+--dialect="$$DIALECT"} $${PRECISION:+--precision="$$PRECISION"} \
	  $${FORCE:+--force="$$FORCE"}

# Without their dependencies: torchaudio and transformers are for parts of them that we do not use (metrics/mos.py).
mos: .venv/.stamp
	@$(BIN)/python -m pip install --no-deps "distillmos >= 0.9.1" "xls-r-sqa >= 0.1.0"

metrics: .venv/.stamp
	@$(BIN)/python -m schedsearch.cli metrics $${METRICS:+--metrics="$$METRICS"}

bench: .venv/.stamp
	@$(BIN)/python -m experiments.bench_network
	@$(BIN)/python -m experiments.bench_workers
	@$(BIN)/python -m experiments.bench_workers --real --workers "1 2" --each 64 --csv results/bench/workers.real.csv

bench-kill: .venv/.stamp
	@$(BIN)/python -m experiments.bench_kill

reproduce: .venv/.stamp
	@$(BIN)/python -m experiments.reproduce $${STAGE:+"$$STAGE"}

bench-verdict: .venv/.stamp
	@$(BIN)/python -m experiments.verdict_bench

study-metrics: .venv/.stamp
	@$(BIN)/python -m experiments.metrics_study

# A test file is one process's, since its tests share what is slow to make; and a process has one thread, so that they
# do not stand in one another's way.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile \
  --no-loadscope-reorder

test: .venv/.stamp
	$(PYTEST)

check: .venv/.stamp
	$(BIN)/flake8 $(SOURCES)
	$(BIN)/isort --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(PYTEST) -m "not slow and not search"

docs: .venv/.stamp
	@$(BIN)/python -m experiments.documentation

lowest:
	@sh .ci/lowest.sh

fuzz: .venv/.stamp
	@$(BIN)/python tests/fuzzing.py $${EXAMPLES:+--examples="$$EXAMPLES"}

golden: .venv/.stamp
	@[ -d "$${GOLDEN:-tests/golden}" ] || { echo "golden: GOLDEN must name a folder: $$GOLDEN is none" >&2; exit 2; }
	$(BIN)/python -m pytest -m golden

clean:
	rm -rf build dist *.egg-info .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
