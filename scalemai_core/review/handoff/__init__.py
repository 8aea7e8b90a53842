"""Items as files for editors such as Slicer and ITK-SNAP, and their masks back, checked."""
