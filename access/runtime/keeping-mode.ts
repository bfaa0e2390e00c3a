export const keepingModes = ['starting', 'in step', 'without Redis'] as const

/** How a bot or worker gets on: without Redis it gives and ends nothing, and says so to whoever asks. */
export type KeepingMode = (typeof keepingModes)[number]
