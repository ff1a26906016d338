"""What all papers share. A file, so that no installed package of this name is taken instead."""
