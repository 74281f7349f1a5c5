import type { HTMLAttributes, ReactNode, Ref } from 'react'

export interface ScrollBoxProps extends Omit<HTMLAttributes<HTMLElement>, 'tabIndex' | 'role'> {
  /** For screen readers. */
  readonly name: string
  readonly ref?: Ref<HTMLElement>
}

/** A box that scrolls: it can be reached by keyboard, and has a name. A figure is no landmark: the section around it is one. */
export function ScrollBox({ name, ref, ...rest }: ScrollBoxProps): ReactNode {
  // biome-ignore lint/a11y/noNoninteractiveTabindex: without it nobody can scroll it by keyboard.
  return <figure {...rest} ref={ref} tabIndex={0} aria-label={name} />
}
