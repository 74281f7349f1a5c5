import type * as StorePackage from '@carillon/store'

const ALL = { limit: 10_000 }

/** Copies every record of a namespace to another store, both opened by the version in `build`. */
export async function copyStore(given: { build: string; from: string; to: string; namespace: string }): Promise<void> {
  const { openStore }: typeof StorePackage = await import(`${given.build}/store/dist/index.js`)
  const { namespace } = given
  const [from, to] = [await openStore(given.from), await openStore(given.to)]
  try {
    for (const job of (await from.jobs.list({ namespace, ...ALL })).items) await to.jobs.insert(job)
    for (const { id: runId } of (await from.runs.list({ namespace, ...ALL })).items) {
      const runs = (await from.runs.get([runId])).filter((run) => run !== undefined)
      const tasks = (await from.tasks.listWhole({ runId, ...ALL })).items
      await to.runs.insert(runs)
      await to.tasks.insert(tasks)
      for (const { id: taskId } of [...runs, ...tasks]) await to.steps.insert((await from.steps.list({ taskId, ...ALL })).items)
      await to.logs.insert((await from.logs.query({ namespace, runId, order: 'oldest', ...ALL })).items)
    }
    for (const coordinator of await from.coordinators.list()) await to.coordinators.put(coordinator)
  } finally {
    await from.close()
    await to.close()
  }
}
