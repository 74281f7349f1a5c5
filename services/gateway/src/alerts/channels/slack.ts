import type { Channel } from './channel.ts'
import { answerText, isOutcome, outcomeOf, type Post } from './http-post.ts'
import { cutToBytes, linesOf, titleOf } from './texts.ts'

interface Settings {
  readonly url: string
}

/** Of one section. Escaped letters count as what they become. */
const SECTION_BYTES = 2_900
const HEADER_BYTES = 150

/** An incoming webhook of Slack. */
export const slackChannel = (post: Post): Channel<Settings> => ({
  kind: 'slack',
  limit: { count: 1, withinMs: 1_000 },
  noticesPerMessage: 10,
  async send(message, { url }) {
    const title = titleOf(message)
    const text = cutToBytes(escaped(linesOf(message).join('\n')), SECTION_BYTES)
    const blocks = [
      { type: 'header', text: { type: 'plain_text', text: cutToBytes(title, HEADER_BYTES) } },
      ...(text === '' ? [] : [{ type: 'section', text: { type: 'mrkdwn', text } }]),
    ]
    const answer = await post(url, { body: JSON.stringify({ text: escaped(title), blocks }) })
    if (isOutcome(answer)) return answer
    const outcome = outcomeOf(answer)
    // What stands in between, such as a proxy with a page of its own, answers 200 too.
    if (outcome.is === 'delivered' && answer.text.trim() !== 'ok')
      return { is: 'retry', answer: `no answer of Slack: ${answerText(answer)}` }
    return outcome
  },
})

/** The three letters of Slack's markup: `<!channel>` would call everyone, `<https://…|…>` be a link that says something else. */
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
