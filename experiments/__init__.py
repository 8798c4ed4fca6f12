"""What made every number of the docs: a folder an experiment, its results by the hash of the model.

A folder has run.py, whose `run(data)` measures what is missing for the shipped model; results/, a file a model;
page.md, the prose, with slots; and page.py, whose `slots()` fills them from the results. A new experiment is such a
folder, its name in `__main__` and in `pages.NAMES`, and a line of index.md.
"""
