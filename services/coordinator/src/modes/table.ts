import type { RunMode } from '@carillon/contracts'
import { broadcast } from './broadcast/mode.ts'
import { map } from './map/mode.ts'
import type { Mode } from './mode.ts'
import { shards } from './shards/mode.ts'
import { single } from './single/mode.ts'

/** A new mode is a folder, and a row here. */
export const MODES: Readonly<Record<RunMode, Mode>> = { single, broadcast, shards, map, 'map-reduce': map }
