import { CarillonError, VERSION } from '@carillon/contracts'
import { countShare, shardingDemo } from '@carillon/handlers'
import { connect, type NatsSettings } from '@carillon/sdk'
import { EXIT } from '../exit-code.ts'

/** The handlers to offer: how many tasks of each run at once; `true` for the default of the SDK. */
export interface ExecutorOptions {
  readonly shardingDemo?: number | true
}

/** Offers the built-in handlers until a signal comes. @throws CarillonError INVALID_REQUEST for options that do not fit */
export async function runExecutor({ nats, namespace }: { nats: NatsSettings; namespace: string }, options: ExecutorOptions): Promise<void> {
  if (options.shardingDemo === undefined) throw nothingToOffer()
  const mesh = await connect({ ...nats, service: 'executor', namespace, version: VERSION })
  mesh.handle(shardingDemo, countShare, concurrencyOf(options.shardingDemo))
  await mesh.start()
  console.log('The executor offers sharding-demo. Ctrl-C ends it.')
  process.once('SIGHUP', () => {
    mesh.stop().then(
      () => process.exit(),
      () => process.exit(EXIT.failed),
    )
  })
}

const concurrencyOf = (given: number | true) => (given === true ? {} : { concurrency: given })

function nothingToOffer(): CarillonError {
  return new CarillonError('INVALID_REQUEST', 'The executor has nothing to offer', { hint: 'Give at least one of --sharding-demo.' })
}
