"""DICOM segmentations in and out, and the series that they are drawn on."""
