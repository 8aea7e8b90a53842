"""Phantom patients with exact truth, realistic label faults, and synthetic tumours."""
