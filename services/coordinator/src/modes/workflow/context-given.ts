import type { CarillonError } from '@carillon/contracts'
import type { RunRecord, Store } from '@carillon/store'
import type { WorkflowInputs } from './graphs.ts'
import { currentRecords } from './read-facts.ts'
import { refusalOfAdditions } from './read-variables.ts'
import { type Addition, mergeContext } from './rules/context.ts'

/** The keys that the nodes of a workflow have set, as JSON text: those that it has begun with are not among them. Undefined: none. An error: they have set too much to be read. */
export async function contextGiven(
  run: RunRecord,
  { store, inputs }: { store: Store; inputs: WorkflowInputs },
): Promise<string | CarillonError | undefined> {
  if (run.mode !== 'workflow' || run.state !== 'succeeded') return undefined
  const { graph } = await inputs.of(run.id)
  const adding = [...(await currentRecords(store, run)).tasks].filter(([, { contextBytes }]) => contextBytes !== null)
  if (adding.length === 0) return undefined
  const refusal = refusalOfAdditions(adding.map(([, task]) => task))
  if (refusal) return refusal
  const whole = await store.tasks.get(adding.map(([, { id }]) => id))
  const additions = adding.flatMap(([place, { endedAt }], i): Addition[] => {
    const context = whole[i]?.context
    return context == null ? [] : [{ place, endedAt: endedAt ?? 0, context }]
  })
  return JSON.stringify(mergeContext(graph, additions))
}
