import { setDefaultTimeout } from 'bun:test'

// Loaded before every test file: the bound is for hung tests, and machines are slow at times.
setDefaultTimeout(20_000)
