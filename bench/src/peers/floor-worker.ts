import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { RawPublisher } from './raw-publisher.ts'
import { WorkerNotes } from './worker.ts'

const notes = new WorkerNotes()
const connection = await connect({ servers: process.env['CARILLON_NATS_URL'] ?? '' })
const publisher = new RawPublisher(connection)
const consumer = await jetstream(connection).consumers.get('WORK', 'bench')
await consumer.consume({
  max_messages: 100,
  callback: (message) => {
    const result = notes.handle(message.subject.slice('WORK.'.length), message.json())
    publisher.publish('REPORTS.done', result, () => message.ack())
  },
})
notes.ready()
