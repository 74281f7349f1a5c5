import { LOG_LEVELS, type LogLevel, RUN_STATES, type RunState } from '@carillon/contracts'
import { oneOf, textOf } from '../../url/search.ts'

export const RUN_TABS = ['log', 'tree', 'timeline', 'payload', 'result', 'error', 'signals'] as const
export type RunTab = (typeof RUN_TABS)[number]

/** The search of the page of a run. */
export interface RunSearch {
  readonly tab?: RunTab | undefined
  /** Of the log. */
  readonly level?: LogLevel | undefined
  readonly text?: string | undefined
  /** Of the tasks. */
  readonly state?: RunState | undefined
}

export const readRunSearch = (search: Readonly<Record<string, unknown>>): RunSearch => ({
  tab: oneOf(search, 'tab', RUN_TABS),
  level: oneOf(search, 'level', LOG_LEVELS),
  text: textOf(search, 'text'),
  state: oneOf(search, 'state', RUN_STATES),
})
