import type { Outcome } from './channel.ts'
import { type Answer, answerText, isOutcome, outcomeOf } from './http-post.ts'

/** How a robot says in the body of its answer what became of a message. */
export interface RobotCodes {
  /** The member that has the code; of several the first that is there. */
  readonly members: readonly string[]
  readonly delivered: number
  /** It may take the same message later. */
  readonly busy: readonly number[]
  readonly afterMs: number
}

/** A robot is judged by the body of its answer: HTTP 200 comes with refusals too. */
export function robotOutcome(answer: Answer | Outcome, { members, delivered, busy, afterMs }: RobotCodes): Outcome {
  if (isOutcome(answer)) return answer
  if (answer.status < 200 || answer.status >= 300) return outcomeOf(answer)
  const said = answerText(answer)
  const code = codeOf(answer.text, members)
  if (code === undefined) return { is: 'retry', answer: `no answer of a robot: ${said}` }
  if (code === delivered) return { is: 'delivered', answer: said }
  if (busy.includes(code)) return { is: 'retry', answer: said, afterMs }
  // Its settings are wrong, as a signature or a keyword: people repair that.
  return { is: 'retry', answer: said }
}

function codeOf(text: string, members: readonly string[]): number | undefined {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body !== 'object' || body === null) return undefined
    const member = members.find((name) => Object.hasOwn(body, name))
    const code = member === undefined ? undefined : (body as Record<string, unknown>)[member]
    return typeof code === 'number' ? code : undefined
  } catch {
    // What is no JSON has no code; the caller says so.
    return undefined
  }
}
