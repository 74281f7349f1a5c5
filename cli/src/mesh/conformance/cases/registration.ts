import type { Case } from '../case.ts'

export const REGISTRATION: readonly Case[] = [
  {
    case: 'registration/again-after-a-refusal',
    about: 'A registration that is refused with "retry": true is repeated',
    when: 'early',
    steps: [{ expect: 'instances.register' }, { expect: 'instances.register' }],
  },
  {
    case: 'registration/beats',
    about: 'It beats at the interval that the registry answers, here each second',
    steps: [
      { expect: 'beat', withinMs: 8_000 },
      { expect: 'beat', withinMs: 8_000 },
    ],
  },
  {
    case: 'registration/session-is-alive',
    about: 'A process that has registered a session answers the question whether it lives',
    steps: [{ send: 'session' }, { expect: 'alive', body: { alive: true } }],
  },
  {
    case: 'registration/on-order',
    about: 'On the order "register" it registers again, as the same instance',
    when: 'alone',
    steps: [
      { send: 'control', body: { type: 'register' } },
      { expect: 'instances.register', body: { instance: '$instance' } },
    ],
  },
]
