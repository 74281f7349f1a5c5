import { CarillonError } from './errors.ts'

/**
 * A job that follows itself, over whichever others, would never end.
 * @param parentsOf the names of the jobs that a job follows
 * @throws CarillonError INVALID_REQUEST with the chain
 */
export function refuseCycle(name: string, parents: readonly string[], parentsOf: (job: string) => readonly string[]): void {
  const seen = new Set<string>()
  const open = parents.map((parent) => [parent, name])
  for (let path = open.pop(); path; path = open.pop()) {
    const [first = ''] = path
    if (first === name) {
      const value = path.join(' → ')
      const message = `afterJobs is wrong: ${value}: the job would start itself for ever`
      throw new CarillonError('INVALID_REQUEST', message, { field: 'afterJobs', value, hint: 'Leave out one of these parents.' })
    }
    if (seen.has(first)) continue
    seen.add(first)
    for (const parent of parentsOf(first)) open.push([parent, ...path])
  }
}
