import { ERROR_CODES, runEndedSchema } from '@carillon/contracts'
import { CarillonError, connect, type NatsSettings, type Tail } from '@carillon/sdk'
import { CARILLON } from '../own-command.ts'
import { callerName } from './caller-name.ts'
import type { Client } from './client.ts'

/** @throws CarillonError NATS_UNAVAILABLE that names the address, AUTH_FAILED, TLS_FAILED */
export async function connectClient({ nats, namespace }: { nats: NatsSettings; namespace: string }): Promise<Client> {
  // A lost connection shows as a call without an answer; commands that wait report it themselves.
  const options = { ...nats, service: 'carillon-cli', namespace, by: callerName(), onWarning: () => undefined }
  const mesh = await connect(options).catch((error: unknown) => {
    throw withAdvice(error)
  })
  const { client } = mesh
  return {
    call: (call, input) => client.call(call, input),
    onRunChange: (runId, heard) => drain(client.live({ noun: 'run', name: runId }), heard),
    onRunEnd: (runId, heard) =>
      drain(client.events({ noun: 'run', name: runId }), ({ body }) => {
        const event = runEndedSchema.safeParse(body)
        if (event.success) heard(event.data)
      }),
    onLogs: (runId, heard) => drain(client.tailLogs(runId), heard),
    close: () => mesh.stop(),
  }
}

/** A hint that names a command, unless the broker is up and more is known. */
function withAdvice(error: unknown): CarillonError {
  const { code, message, details } = CarillonError.from(error)
  if (code !== 'NATS_UNAVAILABLE' || details.hint !== ERROR_CODES.NATS_UNAVAILABLE.remedy) return CarillonError.from(error)
  const hint = `Start a mesh on this machine with ${CARILLON} up, or give the address of the broker with --nats.`
  return new CarillonError(code, message, { ...details, field: '--nats', hint, cause: error })
}

function drain<Entry>(tail: Tail<Entry>, heard: (entry: Entry) => void): () => void {
  const read = async () => {
    for await (const entry of tail) heard(entry)
  }
  read().catch((error: unknown) => process.emitWarning(`A message was not handled: ${String(error)}`, { type: 'CarillonWarning' }))
  return () => tail.stop()
}
