"""Pages and pictures for people: they get plain values and open no store."""
