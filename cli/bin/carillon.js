#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// Before anything of ours is loaded: halves the start-up time of every command after the first.
enableCompileCache()
await import('../dist/main.js')
