import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { WorkerNotes } from './worker.ts'

const notes = new WorkerNotes()
const connection = await connect({ servers: process.env['CARILLON_NATS_URL'] ?? '' })
const broker = jetstream(connection)
const consumer = await broker.consumers.get('WORK', 'bench')
await consumer.consume({
  max_messages: 100,
  callback: (message) => {
    const result = notes.handle(message.subject.slice('WORK.'.length), message.json())
    void broker.publish('REPORTS.done', JSON.stringify(result)).then(() => message.ack())
  },
})
notes.ready()
