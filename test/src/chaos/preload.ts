/**
 * Loaded into processes of the mesh before anything else (`--import`). `CHAOS_GUARD_OFF` names a guard to be taken out of the built code;
 * `CHAOS_CLOCK` is a file with the milliseconds by which the wall clock of the process is wrong, read at the start and on SIGUSR2.
 */
import { existsSync, readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { GUARDS, type Guard, type Mutation } from './guards.ts'

const { CHAOS_GUARD_OFF: off, CHAOS_CLOCK: clockFile } = process.env

if (off) {
  const { mutations }: { mutations: readonly Mutation[] } = GUARDS[off as Guard]
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      const wanted = mutations.filter(({ module }) => url.endsWith(module))
      if (wanted.length === 0) return loaded
      return { ...loaded, source: wanted.reduce(mutated, String(loaded.source)) }
    },
  })
}

function mutated(source: string, { module, find, put }: Mutation): string {
  if (find.test(source)) return source.replace(find, put)
  console.error(`chaos: ${module} holds no ${find}: mend the mutation`)
  process.exit(70)
}

if (clockFile) {
  const machine = Date.now.bind(Date)
  let shiftMs = 0
  const read = () => {
    shiftMs = existsSync(clockFile) ? Number(readFileSync(clockFile, 'utf8')) : 0
  }
  read()
  process.on('SIGUSR2', read)
  const Machine = Date
  globalThis.Date = class extends Machine {
    constructor(...given: [] | [number]) {
      if (given.length === 0) super(machine() + shiftMs)
      else super(...given)
    }
    static override now(): number {
      return machine() + shiftMs
    }
  } as DateConstructor
}
