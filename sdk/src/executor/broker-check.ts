import { CarillonError } from '@carillon/contracts'
import type { Clock } from '@carillon/wire/internal'
import type { Msg } from '@nats-io/transport-node'
import { isNoResponders } from '../connection/answers.ts'
import type { Link } from '../connection/link.ts'

const [OLDEST_MAJOR, OLDEST_MINOR] = [2, 12]
const ANSWER_MS = 5_000

/**
 * Whether the broker can carry work.
 * @throws CarillonError NATS_TOO_OLD, JETSTREAM_MISSING
 */
export async function checkBroker(link: Link, clock: Clock): Promise<void> {
  const { version, address } = link.server
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  if (major < OLDEST_MAJOR || (major === OLDEST_MAJOR && minor < OLDEST_MINOR)) {
    throw new CarillonError('NATS_TOO_OLD', `The broker at ${address} is nats-server ${version}`, { value: version })
  }
  const answer = await askJetStream(link, clock)
  if (answer === undefined) return
  if (isNoResponders(answer) || answer.json<{ error?: unknown }>().error !== undefined) {
    throw new CarillonError('JETSTREAM_MISSING', `The broker at ${address} has no JetStream for this account`, { value: address })
  }
}

/** Undefined when there is no answer: then the calls that follow report the error. */
function askJetStream(link: Link, clock: Clock): Promise<Msg | undefined> {
  return new Promise((resolve) => {
    const finish = (message: Msg | undefined) => {
      timer.cancel()
      link.forgetAnswer(reply)
      resolve(message)
    }
    const timer = clock.after(ANSWER_MS, () => finish(undefined))
    const reply = link.expectAnswer({ onAnswer: finish, onDisconnect: () => finish(undefined) })
    link.publish('$JS.API.INFO', '', { reply })
  })
}
