import { broadcast } from './broadcast/mode.ts'
import { map } from './map/mode.ts'
import type { Modes } from './mode.ts'
import { shards } from './shards/mode.ts'
import { single } from './single/mode.ts'

/** A new mode is a folder, and a row here. */
export const MODES: Modes = { single, broadcast, shards, map, 'map-reduce': map }
