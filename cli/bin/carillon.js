#!/usr/bin/env node
import * as nodeModule from 'node:module'
import { nodeRefusal } from '../dist/node-version.js'

const refusal = nodeRefusal(process.versions.node, process.argv.slice(2))
if (refusal === undefined) {
  // Before anything else of ours is loaded: saves the time to compile it in every command after the first.
  nodeModule.enableCompileCache?.()
  await import('../bundled/main.js')
} else {
  process[refusal.stream].write(refusal.text)
  // As for every wrong setting.
  process.exitCode = 2
}
