/**
 * The handlers of the upgrade test, offered twice: by executors of an earlier version, whose tasks stop at their gates when its state is recorded, and
 * by those of this version, which let them through.
 */
import type { Mesh } from '@carillon/sdk'
import { z } from 'zod'

/** Controls tasks on their way. */
export interface Gate {
  /** Called by each attempt when it begins. */
  readonly began: (taskId: string) => void
  /** Resolves when a task may go on from here; never, where a recording is to find it. */
  readonly pass: (point: string) => Promise<void>
  /** Whether a failure that passes with time is over. */
  readonly isMended: boolean
}

const numberSchema = z.object({ number: z.number() })

/** A fault without a stack: that would name the folders of a machine. */
function fault(message: string): Error {
  const error = new Error(message)
  error.stack = `Error: ${message}`
  return error
}

export function offerHandlers(mesh: Mesh, gate: Gate): void {
  offerSingle(mesh, gate)
  offerSteps(mesh, gate)
  offerFanOut(mesh, gate)
}

function offerSingle(mesh: Mesh, { began, pass, isMended }: Gate): void {
  mesh.handle('quick', (ctx) => {
    began(ctx.taskId)
    ctx.log.info('quick as ever', { payload: typeof ctx.payload })
    return { got: ctx.payload }
  })
  mesh.handle('broken', (ctx) => {
    began(ctx.taskId)
    throw fault('as asked')
  })
  mesh.handle('flaky', (ctx) => {
    began(ctx.taskId)
    if (!isMended) throw fault('not yet')
    return { attempt: ctx.attempt }
  })
  // One place: what comes after the first waits in the queue of a handler that is known.
  const held = async (ctx: { taskId: string }) => {
    began(ctx.taskId)
    await pass('held')
    return { held: true }
  }
  mesh.handle('held', held, { concurrency: 1 })
  mesh.handle('stubborn', held)
  mesh.handle('tardy', async (ctx) => {
    began(ctx.taskId)
    await pass('tardy')
    ctx.log.warn('reported to nobody')
    return { tardy: true }
  })
  // Not offered when its work is queued.
  if (isMended)
    mesh.handle('later', (ctx) => {
      began(ctx.taskId)
      return { later: true }
    })
  mesh.handle('patient', async (ctx) => {
    began(ctx.taskId)
    await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))
  })
}

function offerSteps(mesh: Mesh, { began, pass, isMended }: Gate): void {
  const version = isMended ? 'new' : 'old'
  mesh.handle('pay', async (ctx) => {
    began(ctx.taskId)
    const reservedBy = await ctx.step('reserve', () => version)
    await pass('pay')
    const chargedBy = await ctx.step('charge', () => version)
    return { reservedBy, chargedBy }
  })
  mesh.handle('nap', async (ctx) => {
    began(ctx.taskId)
    const before = await ctx.step('before', () => version)
    await ctx.sleep(30_000)
    return { before, after: await ctx.step('after', () => version) }
  })
}

function offerFanOut(mesh: Mesh, { began, pass }: Gate): void {
  mesh.handle('everywhere', async (ctx) => {
    began(ctx.taskId)
    await pass(`everywhere-${mesh.instance}`)
    return mesh.instance
  })
  mesh.handle('shard', async (ctx) => {
    began(ctx.taskId)
    await pass(`shard-${ctx.shard?.index}`)
    return ctx.shard?.item ?? null
  })
  const input = z.object({ heldAt: z.string() })
  const tasks = {
    async number(ctx: { taskId: string; payload: { heldAt: string }; item: { number: number } }) {
      began(ctx.taskId)
      await pass(`${ctx.payload.heldAt}-${ctx.item.number}`)
      return ctx.item.number
    },
  }
  const numbers = [1, 2, 3, 4].map((number) => ({ number }))
  mesh.map('spread', {
    input,
    items: { number: numberSchema },
    async root(ctx) {
      began(ctx.taskId)
      await ctx.map('number', numbers)
    },
    tasks,
  })
  mesh.mapReduce('sum', {
    input,
    items: { number: numberSchema },
    async root(ctx) {
      began(ctx.taskId)
      await ctx.map('number', numbers)
    },
    tasks,
    async reduce(ctx) {
      began(ctx.taskId)
      await pass(`${ctx.payload.heldAt}-reduce`)
      let sum = 0
      for await (const number of ctx.results<number>()) sum += number
      return sum
    },
  })
}
