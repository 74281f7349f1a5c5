/** Something that a search leads to. */
export interface Found {
  readonly kind: 'page' | 'run' | 'job' | 'text' | 'lines'
  readonly name: string
  /** Below `/n/<namespace>/`. */
  readonly path: string
}

export interface Searched {
  readonly text: string
  readonly pages: readonly { readonly name: string; readonly path: string }[]
  readonly jobs: readonly string[]
}

/** As in the contracts. */
const RUN_ID = /^[0-9a-z]{16,48}$/
const SHOWN_JOBS = 8

/** What a text of the search field may mean, the likeliest first. */
export function searchFor({ text, pages, jobs }: Searched): Found[] {
  const wanted = text.trim()
  const lower = wanted.toLowerCase()
  if (lower === '') return pages.map((page) => ({ kind: 'page', ...page }))
  const run = RUN_ID.test(wanted) ? [{ kind: 'run' as const, name: wanted, path: `runs/${wanted}` }] : []
  const named = jobs
    .filter((job) => job.toLowerCase().includes(lower))
    .slice(0, SHOWN_JOBS)
    .map((job) => ({ kind: 'job' as const, name: job, path: `jobs/${encodeURIComponent(job)}` }))
  const led = pages.filter(({ name }) => name.toLowerCase().includes(lower)).map((page) => ({ kind: 'page' as const, ...page }))
  const query = `text=${encodeURIComponent(wanted)}`
  return [
    ...run,
    ...named,
    ...led,
    { kind: 'text', name: wanted, path: `runs?${query}` },
    { kind: 'lines', name: wanted, path: `logs?${query}` },
  ]
}
