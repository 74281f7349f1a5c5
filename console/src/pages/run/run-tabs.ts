import type { RunView } from '@carillon/contracts'
import type { RunTab } from './run-search.ts'

/** The views of a run, that which is opened first in front. */
export function runTabs({ mode, failure, state }: Pick<RunView, 'mode' | 'failure' | 'state'>): readonly RunTab[] {
  const first: readonly RunTab[] = mode === 'single' ? ['log'] : ['tree', 'log']
  return [
    ...first,
    'timeline',
    'payload',
    'result',
    ...(failure === undefined ? [] : ['error' as const]),
    ...(state === 'skipped' ? [] : ['signals' as const]),
  ]
}
