import type { ReactNode } from 'react'

export function Bell({ className }: { readonly className?: string | undefined }): ReactNode {
  return (
    <svg viewBox="0 0 24 24" className={className} aria-hidden="true">
      <path
        fill="var(--brass)"
        d="M12 2a1.6 1.6 0 0 0-1.6 1.6v.5A6.4 6.4 0 0 0 5.6 10.3v4.2L3.8 17a.9.9 0 0 0 .7 1.5h15a.9.9 0 0 0 .7-1.5l-1.8-2.5v-4.2a6.4 6.4 0 0 0-4.8-6.2v-.5A1.6 1.6 0 0 0 12 2Zm-2.4 17.6a2.4 2.4 0 0 0 4.8 0Z"
      />
    </svg>
  )
}
