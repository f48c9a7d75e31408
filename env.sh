export PATH=/work/main/.venv/bin:$PATH
