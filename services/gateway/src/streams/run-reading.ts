import { checkName, isEnded, type RunView } from '@carillon/contracts'
import type { Clock, Logger } from '@carillon/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { originOf } from '../http/call-routes.ts'
import { principalOf, type Reply } from '../http/http-controller.ts'
import type { CallMesh, MeshCall } from '../mesh/call-mesh.ts'
import type { OpenStreams, StreamSource } from './open-streams.ts'
import type { PacedStream } from './paced-stream.ts'
import { endFrame, frameOf } from './rules/frame.ts'
import type { SharedSubjects } from './shared-subjects.ts'

export interface RunStreamsOptions {
  readonly streams: OpenStreams
  readonly subjects: SharedSubjects
  readonly mesh: CallMesh
  readonly clock: Clock
  readonly log: Logger
}

export interface RunToRead {
  readonly namespace: string
  readonly runId: string
  /** Who asks, and from where. */
  readonly asker: Pick<MeshCall, 'by' | 'origin'>
}

/** A stream of one run. */
export interface Reading<First extends { readonly run: RunView }> extends StreamSource {
  readonly paced: PacedStream
  /** What has to be known before the stream begins. */
  first(): Promise<First>
  execute(first: First): Promise<void>
}

interface Opening<First extends { readonly run: RunView }> {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly namespace: string
  readonly reading: Reading<First>
  /** Whether the client has had everything that there is to send. */
  readonly hasSeenAll: (run: RunView) => boolean
}

/** Answers with a stream, or 204 where there is nothing more. @throws CarillonError what keeps the run from being read, TOO_MANY_STREAMS */
export async function openReading<First extends { readonly run: RunView }>(
  options: RunStreamsOptions,
  opening: Opening<First>,
): Promise<Reply | undefined> {
  const { streams, subjects: shared, log } = options
  const { request, reply, namespace, reading, hasSeenAll } = opening
  const reader = principalOf(request)
  try {
    await shared.flush()
    const first = await reading.first()
    if (hasSeenAll(first.run)) {
      reading.closed()
      return { status: 204 }
    }
    streams.admit(reader, request.ip)
    const { connection } = streams.open({ request, reply }, { reader, namespace, sourceOf: () => reading })
    reading.paced.begin(connection)
    reading.execute(first).catch((error: unknown) => {
      log.error({ evt: 'stream.failed', err: error }, 'a stream of a run ends')
      reading.paced.end(endFrame('failed'))
    })
    return undefined
  } catch (error) {
    reading.closed()
    throw error
  }
}

/** @throws CarillonError RUN_NOT_FOUND, RUN_REMOVED, NO_SERVICE, CALL_TIMEOUT */
export async function readRun({ mesh, namespace, runId, asker }: Pick<RunStreamsOptions, 'mesh'> & RunToRead): Promise<RunView> {
  return (await mesh.call({ name: 'runsGet', namespace, input: { runId }, ...asker })) as RunView
}

/** @throws CarillonError INVALID_NAME */
export function runOfPath(request: FastifyRequest): { namespace: string; runId: string } {
  const { namespace, runId } = request.params as { namespace: string; runId: string }
  return { namespace: checkName('namespace', namespace), runId: checkName('runId', runId) }
}

export const askerOf = (request: FastifyRequest): Pick<MeshCall, 'by' | 'origin'> => ({
  by: principalOf(request).name,
  origin: originOf(request),
})

const endId = (attempt: number) => `ended-${attempt}`

/** The last event of a run's stream: a client that connects again with its id is answered 204, and stays away. */
export const endOfRunFrame = ({ state, attempt }: Pick<RunView, 'state' | 'attempt'>): Buffer =>
  frameOf({ id: endId(attempt), event: 'end', data: { reason: 'run-ended', state } })

export const hasSeenEnd = (request: FastifyRequest, { state, attempt }: RunView): boolean =>
  isEnded(state) && request.headers['last-event-id'] === endId(attempt)
