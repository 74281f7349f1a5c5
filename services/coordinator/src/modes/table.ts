import type { Store } from '@carillon/store'
import { broadcast } from './broadcast/mode.ts'
import { map } from './map/mode.ts'
import type { Modes } from './mode.ts'
import { shards } from './shards/mode.ts'
import { single } from './single/mode.ts'
import { workflowMode } from './workflow/mode.ts'

/** A new mode is a folder, and a row here. */
export const modesOn = (store: Store): Modes => ({ single, broadcast, shards, map, 'map-reduce': map, workflow: workflowMode(store) })
