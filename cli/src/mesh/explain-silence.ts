import { CarillonError, type ErrorCode } from '@carillon/contracts'
import { connectBroker, createLogger, type NatsSettings } from '@carillon/runtime'

/** Errors that keep every service from running, so that none can answer. */
const CAUSES: readonly ErrorCode[] = ['NATS_TOO_OLD', 'JETSTREAM_MISSING']

/** Why no service answered a call: an error of the broker, if there is one; else the error itself. */
export async function explainSilence(error: unknown, nats: NatsSettings): Promise<unknown> {
  try {
    const broker = await connectBroker({ nats, name: 'carillon-cli', log: createLogger({ name: 'cli', level: 'silent' }) })
    await broker.close()
    return error
  } catch (found) {
    return CarillonError.is(found) && CAUSES.includes(found.code) ? found : error
  }
}
