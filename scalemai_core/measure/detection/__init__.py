"""Lesions found and missed: matching, FROC, patients, strata."""
