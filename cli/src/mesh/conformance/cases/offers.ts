import type { Case } from '../case.ts'

export const OFFERS: readonly Case[] = [
  {
    case: 'offers/accepted',
    about: 'An offer is accepted, run and reported; there is nothing to acknowledge',
    needs: 'conformance-echo',
    steps: [
      { send: 'offer', body: { payload: 'leg', index: 0, total: 2 }, session: '$session' },
      { expect: 'offer-answer', body: { accepted: true } },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded', result: 'leg' }, anywhere: true },
      { never: 'ack' },
    ],
  },
  {
    case: 'offers/twice',
    about: 'The same offer after its end is accepted, and not run again',
    needs: 'conformance-echo',
    steps: [
      { send: 'offer' },
      { expect: 'report', body: { type: 'finished', outcome: 'succeeded' }, anywhere: true },
      { send: 'offer' },
      { expect: 'offer-answer', body: { accepted: true } },
      { expect: 'offer-answer', body: { accepted: true }, anywhere: true },
      { never: 'report', body: { type: 'finished' }, times: 1, forMs: 300 },
    ],
  },
  {
    case: 'offers/unknown-handler',
    about: 'An offer for a handler that it does not have is refused',
    steps: [
      { send: 'offer', body: { handler: 'conformance-nobody-has-this' } },
      { expect: 'offer-answer', body: { accepted: false, reason: 'unknown-handler' } },
    ],
  },
  {
    case: 'offers/another-session',
    about: 'An offer that is meant for another process of its name is not answered',
    needs: 'conformance-echo',
    steps: [{ send: 'offer', session: 'of-another-process' }, { never: 'offer-answer' }, { never: 'report', forMs: 300 }],
  },
  {
    case: 'offers/busy',
    about: 'An offer for which there is no room is refused',
    needs: 'conformance-slow',
    when: 'alone',
    steps: [
      { send: 'offers-until-busy', body: { payload: { ms: 1_500 } } },
      { expect: 'offer-answer', body: { accepted: false, reason: 'busy' } },
    ],
  },
]
