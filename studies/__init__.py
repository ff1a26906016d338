"""The studies, one folder each: what no paper did. A file, so that no installed package of this name is taken instead."""
