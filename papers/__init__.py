"""The papers, one folder each. A file, so that no installed package of this name is taken instead."""
