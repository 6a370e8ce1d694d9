import { Button, Input, Label, TextField } from "@heroui/react";
import { useState } from "react";

/** Asks for the key of a service that wants one. It is kept in memory only. */
export function ApiKeyField({ onKey }: { onKey: (key: string) => void }) {
  const [text, setText] = useState("");
  return (
    <form
      className="mt-3 flex items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) onKey(text.trim());
      }}
    >
      <TextField className="min-w-0 flex-1" type="password" value={text} onChange={setText} autoComplete="off">
        <Label>API key</Label>
        <Input className="w-full border border-border" />
      </TextField>
      <Button type="submit">Use it</Button>
    </form>
  );
}
