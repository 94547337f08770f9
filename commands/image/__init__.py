"""`make image`, `make image-size`, `make image-sbom`: the server and one model as an image."""
