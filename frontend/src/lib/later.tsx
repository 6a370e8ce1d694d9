import { lazy, Suspense, useState, type ComponentType } from "react";

/**
 * A component in a script of its own, and `ahead`, which fetches it before it is needed. Fetched ahead, it is
 * rendered with all else; else its place is empty until it comes, and nothing around it waits.
 */
export function later<Props extends object>(load: () => Promise<ComponentType<Props>>) {
  let fetched: ComponentType<Props> | null = null;
  const Lazy = lazy(async () => ({ default: await load() }));
  function Place(props: Props) {
    const [Content] = useState<ComponentType<Props>>(() => fetched ?? Lazy); // kept, and with it its state
    return (
      <Suspense>
        <Content {...props} />
      </Suspense>
    );
  }
  const ahead = async () => {
    fetched = await load();
  };
  return Object.assign(Place, { ahead });
}
