import { Fragment, type ReactNode } from 'react'
import { AbsoluteTime } from './time.tsx'

const TIME = /(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)/

/** A sentence of the mesh, with its times in the viewer's zone. */
export function SentenceTimes({ text }: { readonly text: string }): ReactNode {
  return text.split(TIME).map((part, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence have no other name.
    <Fragment key={i}>{i % 2 === 1 ? <AbsoluteTime at={part} /> : part}</Fragment>
  ))
}
