import { ListBox } from "@heroui/react/list-box";
import { Select } from "@heroui/react/select";
import type { ChoiceProps } from "./Choice";

/** HeroUI's select, open when it appears. With all that it needs it is half of the page's code again. */
export default function ChoiceList({ label, options, value, onChange }: ChoiceProps) {
  return (
    <Select
      aria-label={label}
      defaultOpen
      value={value}
      onChange={(key) => key !== null && onChange(String(key))}
    >
      <Select.Trigger className="min-h-8 rounded-lg border border-border py-1 ps-2.5">
        <Select.Value />
        <Select.Indicator />
      </Select.Trigger>
      <Select.Popover>
        <ListBox>
          {options.map((option) => (
            <ListBox.Item key={option.value} id={option.value} textValue={option.label}>
              {option.label}
              <ListBox.ItemIndicator />
            </ListBox.Item>
          ))}
        </ListBox>
      </Select.Popover>
    </Select>
  );
}
