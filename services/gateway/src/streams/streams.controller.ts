import type { HttpController } from '../http/http-controller.ts'
import { isHead } from './sse-connection.ts'
import type { TopicStreams } from './topic-streams.ts'

export const streamsController = ({ topicStreams }: { readonly topicStreams: TopicStreams }): HttpController => ({
  name: 'Streams',
  routes: [
    {
      method: 'GET',
      path: '/api/v1/stream',
      allowed: 'account',
      handle: async (request, reply) => {
        if (isHead(request)) return {}
        await topicStreams.open(request, reply)
        return undefined
      },
    },
    {
      method: 'POST',
      path: '/api/v1/stream/{id}',
      allowed: 'account',
      handle: async (request) => {
        const { id } = request.params as { id: string }
        return { body: await topicStreams.change(id, request) }
      },
    },
  ],
})
