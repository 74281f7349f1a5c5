import { useLocation } from '@tanstack/react-router'

/** The part of the URL after `#`. */
export const useHash = (): string => useLocation({ select: ({ hash }) => hash })
