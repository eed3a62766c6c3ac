/** The only way data moves inside the gateway: a function that takes the next value. */
export type Sink<T> = (value: T) => void
