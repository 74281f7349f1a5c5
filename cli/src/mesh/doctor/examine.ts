import { CarillonError } from '@carillon/contracts'
import { type Broker, connectBroker, createLogger, type NatsSettings } from '@carillon/runtime'
import { checkNatsSettings } from '@carillon/wire/internal'
import { connectClient } from '../../client/connect-client.ts'
import { CARILLON } from '../../own-command.ts'
import { checkClock } from './check-clock.ts'
import { checkDeadLetters } from './check-dead-letters.ts'
import { checkExecutors } from './check-executors.ts'
import { checkHandlers } from './check-handlers.ts'
import { checkPrograms } from './check-programs.ts'
import { checkRejected } from './check-rejected.ts'
import { checkServices } from './check-services.ts'
import { checkStreams } from './check-streams.ts'
import type { CheckContext } from './context.ts'
import { type Finding, failed, well } from './finding.ts'

/** The mesh to examine. */
export interface Place {
  readonly nats: NatsSettings
  readonly namespace: string
}

/** Checks every part of the mesh. A part that cannot be checked is a finding, never an error. */
export async function examine({ nats, namespace }: Place): Promise<Finding[]> {
  const log = createLogger({ name: 'doctor', level: 'silent' })
  let broker: Broker
  try {
    broker = await connectBroker({ nats, name: 'carillon-doctor', log })
  } catch (error) {
    return brokerFindings(nats, CarillonError.from(error))
  }
  const client = await connectClient({ nats, namespace })
  try {
    const context: CheckContext = { broker, client, namespace }
    const checks = [checkStreams, checkServices, checkExecutors, checkHandlers, checkPrograms, checkDeadLetters, checkClock, checkRejected]
    const findings = await Promise.all(checks.map((check) => check(context).catch((error: unknown) => [failed('doctor', error)])))
    const { version } = broker.connection.info ?? {}
    return [well('broker', `nats-server ${version} with JetStream answers at ${addressOf(nats)}`), ...findings.flat()]
  } finally {
    await Promise.all([client.close(), broker.close()])
  }
}

const addressOf = (nats: NatsSettings) => checkNatsSettings(nats).servers.join(', ')

function brokerFindings(nats: NatsSettings, error: CarillonError): Finding[] {
  if (error.code !== 'NATS_UNAVAILABLE') return [failed('broker', error)]
  const remedy = `Start the mesh with ${CARILLON} up, or nats-server with -js; or give its address with --nats (now ${addressOf(nats)}).`
  return [failed('broker', error, remedy)]
}
