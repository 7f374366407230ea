"""The language as JSON Schema, for editors: `schema.json` is what `build` gave last."""
