import type { Message, Notice } from '../channels/channel.ts'

const AT = Date.parse('2026-01-01T00:00:00Z')

export function aNotice(transition: Notice['transition'] = 'opened', fields: Partial<Notice['incident']> = {}): Notice {
  const at = new Date(AT).toISOString()
  return {
    id: `msg_${transition}`,
    namespace: 'default',
    transition,
    incident: {
      ...{ id: 'icause-000001', rule: 'failures', scene: 'run-failed', cause: { kind: 'job', name: 'report' }, state: 'open' },
      ...{ summary: 'job report failed 422 times', count: 422, more: 412, openedAt: at, lastAt: at },
      examples: [
        { at, what: 'failed: handler-error', runId: 'run1', error: 'Error: <!channel> <at user_id="all"> & more\r\nBcc: x@evil.example' },
      ],
      ...fields,
    },
  }
}

export const aMessage = (notices: readonly Notice[] = [aNotice()], language: Message['language'] = 'en'): Message => ({
  id: notices[0]?.id ?? '',
  notices,
  language,
  at: AT,
})
