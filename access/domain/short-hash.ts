/** What people tell one hash from another by: its first twelve digits. */
export const shortHash = (hash: string): string => hash.slice(0, 12)
