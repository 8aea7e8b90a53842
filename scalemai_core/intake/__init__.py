"""NIfTI, DICOM, NRRD, MHA and their label files as canonical scans and label maps."""
